#ifndef CONTENTVEC_VERSION_H
#define CONTENTVEC_VERSION_H

/* The version of these headers, for C and C++. CMake checks it against the project's; contentvec::version()
 * and contentvec_version() tell that of the library that a program runs with. */
#define CONTENTVEC_VERSION_MAJOR 0
#define CONTENTVEC_VERSION_MINOR 1
#define CONTENTVEC_VERSION_PATCH 0

/* One number to compare: 1.2.3 is 10203. */
#define CONTENTVEC_VERSION_NUMBER \
  (CONTENTVEC_VERSION_MAJOR * 10000 + CONTENTVEC_VERSION_MINOR * 100 + CONTENTVEC_VERSION_PATCH)

#endif
