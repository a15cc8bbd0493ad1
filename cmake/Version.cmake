# The public header states the version too.
file(STRINGS ${PROJECT_SOURCE_DIR}/include/contentvec/version.h lines REGEX "#define CONTENTVEC_VERSION_(MAJOR|MINOR|PATCH) ")
list(TRANSFORM lines REPLACE ".* ([0-9]+)$" "\\1")
list(JOIN lines "." stated)
if(NOT stated STREQUAL PROJECT_VERSION)
  message(FATAL_ERROR "include/contentvec/version.h says ${stated}, CMakeLists.txt ${PROJECT_VERSION}: make them agree")
endif()
