/tmp/tr4/try.sh: line 1: ./ph: No such file or directory
