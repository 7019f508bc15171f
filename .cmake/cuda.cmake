# MOEBIUS_CUDA: whether there is a CUDA compiler to build kernels with, or OFF by the user's wish.
# Without one the same targets are built for the CPU alone; every kernel runs there.
include(CheckLanguage)
option(MOEBIUS_CUDA "Use the CUDA compiler if there is one" ON)
if(MOEBIUS_CUDA)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit REQUIRED)
    message(STATUS "CUDA: ${CMAKE_CUDA_COMPILER}")
  else()
    set(MOEBIUS_CUDA OFF)
    message(STATUS "CPU only: nvcc not found")
  endif()
else()
  message(STATUS "CPU only: MOEBIUS_CUDA is OFF")
endif()

# Contraction is off on the device too: what fuses is spelled fmaf. Lambdas and constexpr as
# the host compiler has them.
target_compile_options(moebius_options INTERFACE
  "$<$<COMPILE_LANGUAGE:CUDA>:-std=c++20;--fmad=false;--expt-relaxed-constexpr;-Xcompiler=-Wall,-Wextra,-Wno-missing-field-initializers>"
  "$<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${MOEBIUS_WERROR}>>:-Werror=all-warnings>")
