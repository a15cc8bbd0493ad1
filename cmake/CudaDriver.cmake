# MLX with CUDA names the driver's library, libcuda.so.1, which comes with the GPU's driver and not with the toolkit. A
# machine without a GPU builds against the stub that the toolkit has for that, in stubs/ below its libraries.
#
# contentvec_link_cuda_driver(TARGET): lets what links TARGET, an imported library, find the driver or its stub, where
# MLX has found the toolkit.
function(contentvec_link_cuda_driver target)
  if(NOT CUDAToolkit_FOUND)
    return()
  endif()
  find_library(CONTENTVEC_CUDA_DRIVER NAMES cuda libcuda.so.1 DOC "The CUDA driver's library, or the toolkit's stub of it")
  find_library(CONTENTVEC_CUDA_DRIVER cuda NO_DEFAULT_PATH
               PATHS ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_LIBRARY_ROOT} ${CUDAToolkit_TARGET_DIR}
               PATH_SUFFIXES stubs lib64/stubs lib/stubs)
  if(NOT CONTENTVEC_CUDA_DRIVER)
    message(FATAL_ERROR "MLX has CUDA, and neither its driver (libcuda.so) nor the toolkit's stub of it (lib64/stubs/libcuda.so) "
                        "is found: install the driver or cuda-driver-dev, or set CONTENTVEC_CUDA_DRIVER to the file")
  endif()
  message(STATUS "CUDA's driver, to link against: ${CONTENTVEC_CUDA_DRIVER}")
  set_property(TARGET ${target} APPEND PROPERTY INTERFACE_LINK_LIBRARIES ${CONTENTVEC_CUDA_DRIVER})
endfunction()
