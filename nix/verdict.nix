# Shell code that turns `$status`, vmwright's exit status, into a verdict. Other statuses are no
# verdict of a test.
''
  case $status in
    0) verdict=passed ;;
    1) verdict=failed ;;
    124) verdict=timeout ;;
    130) verdict=interrupted ;;
    *) exit $status ;;
  esac
''
