#ifndef CONTENTVEC_EXPORT_H
#define CONTENTVEC_EXPORT_H

/* CONTENTVEC_API marks what the shared library exports; everything else in it is hidden. CONTENTVEC_STATIC is
 * defined for whoever links the static library (CMake's target and contentvec-static.pc do so); only Windows
 * needs to know. */
#if defined(_WIN32)
#if defined(CONTENTVEC_STATIC)
#define CONTENTVEC_API
#elif defined(CONTENTVEC_BUILDING)
#define CONTENTVEC_API __declspec(dllexport)
#else
#define CONTENTVEC_API __declspec(dllimport)
#endif
#else
#define CONTENTVEC_API __attribute__((visibility("default")))
#endif

#endif
