# One interface target carries the compile flags of everything in this project.
add_library(contentvec_flags INTERFACE)
target_compile_options(contentvec_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wno-psabi
  $<$<BOOL:${CONTENTVEC_WERROR}>:-Werror>
  # a * b + c stays two roundings unless a kernel asks for a fused one: results must not depend on the compiler's mood
  -ffp-contract=off)
if(CONTENTVEC_SANITIZE)
  target_compile_options(contentvec_flags INTERFACE -fsanitize=${CONTENTVEC_SANITIZE} -fno-omit-frame-pointer
                                                    -fno-sanitize-recover=all)
  target_link_options(contentvec_flags INTERFACE -fsanitize=${CONTENTVEC_SANITIZE})
endif()
if(CONTENTVEC_LIBFUZZER)
  target_compile_options(contentvec_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
