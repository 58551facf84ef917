dnl SIM_OPTIONAL(OPTION, PREFIX, MODULE, PURPOSE, [HEADER, LIBRARY, FUNCTION])
dnl Find an optional library by pkg-config or, where its package brings no .pc file, by header and function.
dnl Gives --with-OPTION, PREFIX_CFLAGS, PREFIX_LIBS, have_OPTION, and HAVE_PREFIX for C and automake.
AC_DEFUN([SIM_OPTIONAL],
[AC_ARG_WITH([$1],
  [AS_HELP_STRING([--without-$1], [do without $1 ($4)])], [], [with_$1=auto])
have_$1=no
AS_IF([test "x$with_$1" != xno],
  [PKG_CHECK_MODULES([$2], [$3], [have_$1=yes],
    [m4_ifval([$5],
      [AC_CHECK_HEADER([$5], [AC_CHECK_LIB([$6], [$7], [have_$1=yes; $2_LIBS=-l$6])])], [:])])
  AS_IF([test "x$with_$1.$have_$1" = xyes.no],
    [AC_MSG_ERROR([--with-$1: $1 ($4) was not found])])])
AS_IF([test "x$have_$1" = xyes],
  [AC_DEFINE([HAVE_$2], [1], [Define to 1 if $1 is there: $4.])])
AM_CONDITIONAL([HAVE_$2], [test "x$have_$1" = xyes])])
