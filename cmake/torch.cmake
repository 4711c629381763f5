# deepbio_torch_at(FOLDER): the torch of a pip package or a libtorch archive in FOLDER as the target deepbio::torch, its
# version as DEEPBIO_TORCH_VERSION. For the build and for those who find the installed package.
#
# The files are named here, because the TorchConfig.cmake of a wheel with CUDA, which is what pip installs on most
# machines, stops where the CUDA toolkit is not installed; compiling and linking against tensors needs no toolkit.
macro(deepbio_torch_at folder)
  foreach(_part MAJOR MINOR PATCH)
    file(STRINGS ${folder}/include/torch/headeronly/version.h _line REGEX "define TORCH_VERSION_${_part} ")
    string(REGEX REPLACE "[^0-9]" "" _torch_${_part} "${_line}")
  endforeach()
  set(DEEPBIO_TORCH_VERSION ${_torch_MAJOR}.${_torch_MINOR}.${_torch_PATCH})
  add_library(deepbio::torch INTERFACE IMPORTED GLOBAL)
  # libtorch.so is what brings CUDA's part in where there is one.
  # libstdc++ stands in front of it, so that its symbols are found there first: a wheel with CUDA carries a part of an
  # older one, and its std::filesystem::remove_all ends the process.
  set_target_properties(deepbio::torch PROPERTIES
    INTERFACE_LINK_OPTIONS "LINKER:--push-state,--no-as-needed;-lstdc++;LINKER:--pop-state"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${folder}/include;${folder}/include/torch/csrc/api/include"
    INTERFACE_INCLUDE_DIRECTORIES "${folder}/include;${folder}/include/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES "-Wl,--push-state,--no-as-needed;${folder}/lib/libtorch.so;-Wl,--pop-state;${folder}/lib/libtorch_cpu.so;${folder}/lib/libc10.so")
endmacro()
