# A kernel as microVMs boot it: on x86 the ELF image that is packed in a bzImage, elsewhere the image as
# it is. It is unpacked from NixOS's own kernel, so nobody fetches the kernel's development files.
#
# The header's fields are those of the kernel's `Documentation/arch/x86/boot.rst`.
{
  pkgs,
  # The kernel's file.
  kernel,
}:
pkgs.runCommand "vmlinux"
  {
    inherit kernel;
    nativeBuildInputs = [
      pkgs.gzip
      pkgs.lz4
      pkgs.xz
      pkgs.zstd
    ];
    preferLocalBuild = true;
  }
  ''
    # A number of some bytes at a place in the kernel's file.
    field() { od -An -v --endian=little -j "$1" -N "$2" -t "u$2" "$kernel" | tr -d ' '; }
    part() { dd if="$kernel" iflag=skip_bytes,count_bytes skip="$1" count="$2" bs=1M status=none; }

    if [ "$(part 514 4 | tr -d '\0')" != HdrS ]; then
      cp "$kernel" $out
      exit
    fi
    sectors=$(field 497 1)
    begin=$(((''${sectors/#0/4} + 1) * 512 + $(field 584 4)))
    size=$(field 588 4)
    # All but gzip are followed by the unpacked size.
    case $(part $begin 4 | od -An -v -t x1 | tr -d ' ') in
      1f8b*) part $begin $size | gzip -dc > $out ;;
      28b52ffd) part $begin $((size - 4)) | zstd -dcq > $out ;;
      fd377a58) part $begin $((size - 4)) | xz -dc > $out ;;
      02214c18) part $begin $((size - 4)) | lz4 -dcq > $out ;;
      *)
        echo "the kernel $kernel is packed in an unknown way, expected gzip, lz4, xz or zstd" >&2
        exit 1
        ;;
    esac
    if [ "$(head -c 4 $out | tail -c 3)" != ELF ]; then
      echo "the kernel $kernel holds no ELF image, which microVMs boot" >&2
      exit 1
    fi
  ''
