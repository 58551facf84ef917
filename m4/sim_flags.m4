dnl SIM_CHECK_CFLAG(FLAG): append FLAG to SIM_CFLAGS when the compiler takes it.
AC_DEFUN([SIM_CHECK_CFLAG],
[AS_VAR_PUSHDEF([cache], [sim_cv_cflag_$1])
AC_CACHE_CHECK([whether $CC takes $1], [cache],
  [sim_saved_cflags=$CFLAGS
  CFLAGS="$CFLAGS -Werror $1"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
  CFLAGS=$sim_saved_cflags])
AS_VAR_IF([cache], [yes], [SIM_CFLAGS="$SIM_CFLAGS $1"])
AS_VAR_POPDEF([cache])])

dnl SIM_COMPILER_FLAGS: SIM_CFLAGS for every object of the library, the front ends and the tests.
AC_DEFUN([SIM_COMPILER_FLAGS],
[AC_ARG_ENABLE([werror],
  [AS_HELP_STRING([--enable-werror], [turn warnings into errors])], [], [enable_werror=no])
SIM_CFLAGS=
m4_foreach_w([flag],
  [-std=gnu11 -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith
   -Wvla],
  [SIM_CHECK_CFLAG(flag)])
dnl Callbacks of one signature rarely use every argument, and table rows leave the rest zero.
m4_foreach_w([flag], [-Wno-unused-parameter -Wno-missing-field-initializers],
  [SIM_CHECK_CFLAG(flag)])
dnl The same results on every host: no contraction, no reasoning from types that alias.
dnl No interposition: only sim_* leaves the library, so calls inside it may be inlined.
m4_foreach_w([flag], [-ffp-contract=off -fno-strict-aliasing -fno-semantic-interposition],
  [SIM_CHECK_CFLAG(flag)])
dnl GCC clears and copies structs of some hundred bytes by REP STOS and REP MOVS, whose start costs more than the work:
dnl a fault, a task switch and a decoded instruction each take some. 5 to 13 % of what guests that do little else take.
SIM_CHECK_CFLAG([-mmemset-strategy=unrolled_loop:256:noalign,libcall:-1:noalign])
SIM_CHECK_CFLAG([-mmemcpy-strategy=unrolled_loop:256:noalign,libcall:-1:noalign])
AS_IF([test "x$enable_werror" = xyes], [SIM_CHECK_CFLAG([-Werror])])
AC_SUBST([SIM_CFLAGS])])

dnl SIM_SANITIZERS: --enable-sanitizers puts ASan and UBSan into everything but the guests.
AC_DEFUN([SIM_SANITIZERS],
[AC_ARG_ENABLE([sanitizers],
  [AS_HELP_STRING([--enable-sanitizers], [build with the address and undefined-behaviour sanitizers])],
  [], [enable_sanitizers=no])
SANITIZER_FLAGS=
AS_IF([test "x$enable_sanitizers" = xyes],
  [SANITIZER_FLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
  AC_MSG_CHECKING([whether $CC links with the sanitizers])
  sim_saved_cflags=$CFLAGS
  CFLAGS="$CFLAGS $SANITIZER_FLAGS"
  AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
    AC_MSG_ERROR([--enable-sanitizers: $CC cannot link with $SANITIZER_FLAGS; is its runtime library installed?])])
  CFLAGS=$sim_saved_cflags])
AC_SUBST([SANITIZER_FLAGS])
AM_CONDITIONAL([SANITIZERS], [test "x$enable_sanitizers" = xyes])])
