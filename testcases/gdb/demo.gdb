# The built-in kernel needs no file.
#sim: --append quiet
connect
#= boot ()
break kernel_main
continue
#= Breakpoint 1, kernel_main
kill
#ends: 0
