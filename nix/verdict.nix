# Shell code that turns `$status`, vmwright's exit status, into a verdict. A script may choose other
# statuses; then the events in `$directory`, if there are any, tell whether its run came to an end.
# Without a run there is no verdict.
''
  case $status in
    0) verdict=passed ;;
    1) verdict=failed ;;
    124) verdict=timeout ;;
    130) verdict=interrupted ;;
    *)
      if [ ! -s $directory/events.jsonl ]; then
        exit $status
      elif grep -q '^{"type":"runEnded"' $directory/events.jsonl; then
        verdict=failed
      else
        verdict=crashed
      fi
      ;;
  esac
''
