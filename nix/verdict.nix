# Shell that makes a verdict of `$status`, the exit code of vmwright; no other code is a test's verdict.
''
  case $status in
    0) verdict=passed ;;
    1) verdict=failed ;;
    124) verdict=timeout ;;
    130) verdict=interrupted ;;
    *) exit $status ;;
  esac
''
