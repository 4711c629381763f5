# deepbio_layer(NAME [TORCH | MODULES] [ON layers...] [LIBRARIES targets...])
#   One layer as an object library deepbio_layer_NAME: all .cpp files of its folder, so that a new file costs nothing
#   here. ON lists every layer below that it may use; TORCH gives it tensors,
#   MODULES torch::nn and autograd besides.
function(deepbio_layer name)
  cmake_parse_arguments(LAYER "TORCH;MODULES" "" "ON;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/csrc/deepbio/${name}/*.cpp)
  add_library(deepbio_layer_${name} OBJECT ${sources})
  target_include_directories(deepbio_layer_${name} PUBLIC ${PROJECT_SOURCE_DIR}/csrc)
  target_link_libraries(deepbio_layer_${name} PUBLIC ${LAYER_LIBRARIES})
  set_property(TARGET deepbio_layer_${name} PROPERTY DEEPBIO_LAYERS ${name} ${LAYER_ON})
  set(headers OFF)
  if(LAYER_MODULES)
    set(headers deepbio_pch_modules)
  elseif(LAYER_TORCH)
    set(headers deepbio_pch_tensors)
  endif()
  set_property(TARGET deepbio_layer_${name} PROPERTY DEEPBIO_HEADERS ${headers})
  if(headers)
    target_link_libraries(deepbio_layer_${name} PUBLIC deepbio_torch_headers)
    target_precompile_headers(deepbio_layer_${name} REUSE_FROM ${headers})
    deepbio_grouped(deepbio_layer_${name})
  endif()
endfunction()

# What each file pays for the templates that a precompiled header leaves open, a group of files pays once. Names of
# unnamed namespaces are those of the group then.
function(deepbio_grouped target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${DEEPBIO_UNITY} UNITY_BUILD_BATCH_SIZE 6)
endfunction()

# The torch in DEEPBIO_TORCH_FOLDER where that is given (another processor's, or a place that stays the same for several
# Pythons), otherwise the installed one, asked through the Python that configures the build. Which one is wanted is said
# once, in pyproject.toml.
macro(deepbio_find_torch)
  file(STRINGS ${PROJECT_SOURCE_DIR}/pyproject.toml _wanted REGEX "\"torch>=")
  string(REGEX MATCH "torch>=([0-9.]+),<([0-9.]+)" DEEPBIO_WANTED_TORCH "${_wanted}")
  set(_lowest ${CMAKE_MATCH_1})
  set(_above ${CMAKE_MATCH_2})
  if(NOT DEEPBIO_TORCH_FOLDER)
    find_package(Python3 COMPONENTS Interpreter REQUIRED)
    execute_process(COMMAND ${Python3_EXECUTABLE} -c "import torch; print(torch.__path__[0])"
      OUTPUT_VARIABLE DEEPBIO_TORCH_FOLDER OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE _torch_missing ERROR_QUIET)
    if(_torch_missing)
      message(FATAL_ERROR
        "torch is not installed for ${Python3_EXECUTABLE}: run  pip install '${DEEPBIO_WANTED_TORCH}'")
    endif()
  elseif(NOT EXISTS ${DEEPBIO_TORCH_FOLDER}/include/torch/headeronly/version.h)
    message(FATAL_ERROR "no torch in '${DEEPBIO_TORCH_FOLDER}': give -DDEEPBIO_TORCH_FOLDER=.../torch, the folder that "
      "holds include/ and lib/")
  endif()
  deepbio_torch_at(${DEEPBIO_TORCH_FOLDER})
  if(DEEPBIO_TORCH_VERSION VERSION_LESS _lowest OR DEEPBIO_TORCH_VERSION VERSION_GREATER_EQUAL _above)
    message(FATAL_ERROR "torch ${DEEPBIO_TORCH_VERSION} is installed, and deepbio_torch needs another: "
      "run  pip install '${DEEPBIO_WANTED_TORCH}'")
  endif()
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  # The wheel brings the one OpenMP runtime of the process; linking the compiler's own would name a second path.
  if(EXISTS ${DEEPBIO_TORCH_FOLDER}/lib/libgomp.so.1)
    set(DEEPBIO_OPENMP_LIBRARY ${DEEPBIO_TORCH_FOLDER}/lib/libgomp.so.1)
  else()
    set(DEEPBIO_OPENMP_LIBRARY OpenMP::OpenMP_CXX)
  endif()
  # Headers and flags for compiling; torch is linked where something is linked.
  add_library(deepbio_torch_headers INTERFACE)
  target_include_directories(deepbio_torch_headers SYSTEM INTERFACE
    $<TARGET_PROPERTY:deepbio::torch,INTERFACE_INCLUDE_DIRECTORIES>)
  target_compile_options(deepbio_torch_headers INTERFACE ${OpenMP_CXX_FLAGS})
endmacro()

# Torch's headers are parsed once and reused by every layer, tool and test. GCC instantiates the templates that a
# precompiled header leaves open in each file that uses it: 7 s a file for torch/torch.h, most of them for modules that
# nobody here uses, 1.3 s for tensors, 4 s for the modules below. So there are two, and neither is torch/torch.h.
set(DEEPBIO_TENSOR_HEADERS <ATen/ATen.h> <ATen/Parallel.h> <algorithm> <functional> <map> <memory> <string>
  <unordered_map> <vector>)
function(deepbio_precompiled_torch)
  deepbio_precompiled(deepbio_pch_tensors ${DEEPBIO_TENSOR_HEADERS})
  deepbio_precompiled(deepbio_pch_modules ${DEEPBIO_TENSOR_HEADERS} <torch/types.h> <torch/utils.h>
    <torch/nn/module.h> <torch/nn/pimpl.h> <torch/nn/modules/linear.h> <torch/nn/modules/normalization.h>
    <torch/nn/modules/embedding.h> <torch/nn/modules/container/modulelist.h>)
endfunction()

function(deepbio_precompiled name)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/${name}.cpp CONTENT "// Holds precompiled headers.\n")
  add_library(${name} OBJECT ${PROJECT_BINARY_DIR}/${name}.cpp)
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/csrc)
  target_link_libraries(${name} PUBLIC deepbio_torch_headers)
  target_precompile_headers(${name} PRIVATE ${ARGN})
endfunction()

# libdeepbio.so: all layers and the operators; no Python symbol in it.
function(deepbio_library)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/csrc/deepbio/*.cpp)
  add_library(deepbio_ops OBJECT ${sources})
  target_include_directories(deepbio_ops PRIVATE ${PROJECT_SOURCE_DIR}/csrc)
  target_link_libraries(deepbio_ops PRIVATE deepbio_torch_headers)
  target_precompile_headers(deepbio_ops REUSE_FROM deepbio_pch_modules)
  set(objects $<TARGET_OBJECTS:deepbio_ops>)
  foreach(layer base io seq community data model train export)
    list(APPEND objects $<TARGET_OBJECTS:deepbio_layer_${layer}>)
  endforeach()
  add_library(deepbio SHARED ${objects})
  add_library(deepbio::deepbio ALIAS deepbio)
  set_target_properties(deepbio PROPERTIES LINKER_LANGUAGE CXX
    INSTALL_RPATH "${DEEPBIO_ORIGIN};${DEEPBIO_ORIGIN}/../../torch/lib")
  target_include_directories(deepbio PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/csrc> $<INSTALL_INTERFACE:include>)
  target_compile_features(deepbio PUBLIC cxx_std_20)
  # Consumers of the installed package get torch from DeepBioConfig.cmake, not as a path of the building machine.
  target_link_libraries(deepbio PUBLIC $<BUILD_INTERFACE:deepbio::torch>
    PRIVATE ${DEEPBIO_OPENMP_LIBRARY} ZLIB::ZLIB PkgConfig::HDF5 nlohmann_json::nlohmann_json Threads::Threads
    ${DEEPBIO_INFLATE_LIBRARIES})
endfunction()

# The command `deepbio`, in two parts: the program, which has the commands that need no tensors, and
# libdeepbio_commands.so, which has all of them. The program loads it for the others, because torch
# takes longer to load than most of them work; the Python module runs it for torchrun.
function(deepbio_command)
  find_package(CLI11 REQUIRED)
  set(plain main command_line option_flags printing reading_progress cmd_info cmd_stats
    cmd_validate)
  # What holds a model apart from the rest, which needs tensors alone.
  set(of_models cmd_embed cmd_evaluate cmd_export cmd_predict cmd_train config_option progress
    sample_data)
  foreach(files plain of_models)
    list(TRANSFORM ${files} PREPEND csrc/tools/)
    list(TRANSFORM ${files} APPEND .cpp)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/csrc/tools/*.cpp)
  list(REMOVE_ITEM sources ${of_models} csrc/tools/main.cpp)
  # Objects first, so that the position-independent flags fit the precompiled headers.
  add_library(deepbio_tool_objects OBJECT ${sources})
  add_library(deepbio_tool_model_objects OBJECT ${of_models})
  foreach(objects deepbio_tool_objects deepbio_tool_model_objects)
    target_link_libraries(${objects} PRIVATE deepbio_torch_headers)
    target_compile_definitions(${objects} PRIVATE DEEPBIO_WITH_TENSORS
      DEEPBIO_TORCH_VERSION="${DEEPBIO_TORCH_VERSION}")
    deepbio_grouped(${objects})
  endforeach()
  target_precompile_headers(deepbio_tool_objects PRIVATE <CLI/CLI.hpp> ${DEEPBIO_TENSOR_HEADERS})
  target_precompile_headers(deepbio_tool_model_objects REUSE_FROM deepbio_pch_modules)
  add_library(deepbio_commands SHARED
    $<TARGET_OBJECTS:deepbio_tool_objects> $<TARGET_OBJECTS:deepbio_tool_model_objects>)
  set_target_properties(deepbio_commands PROPERTIES LINKER_LANGUAGE CXX
    INSTALL_RPATH "${DEEPBIO_ORIGIN};${DEEPBIO_ORIGIN}/../../torch/lib")
  target_link_options(deepbio_commands PRIVATE -Wl,--no-as-needed)
  target_link_libraries(deepbio_commands PRIVATE deepbio)
  add_executable(deepbio_tool ${plain})
  set_target_properties(deepbio_tool PROPERTIES OUTPUT_NAME deepbio LINKER_LANGUAGE CXX
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin BUILD_RPATH ${PROJECT_BINARY_DIR}
    INSTALL_RPATH "${DEEPBIO_ORIGIN}/../lib")
  target_compile_definitions(deepbio_tool PRIVATE
    DEEPBIO_COMMANDS="${CMAKE_SHARED_LIBRARY_PREFIX}deepbio_commands${CMAKE_SHARED_LIBRARY_SUFFIX}")
  target_precompile_headers(deepbio_tool PRIVATE <CLI/CLI.hpp>)
  target_link_libraries(deepbio_tool PRIVATE deepbio_io ${CMAKE_DL_LIBS}
    nlohmann_json::nlohmann_json)
  add_dependencies(deepbio_tool deepbio_commands)
  foreach(target deepbio_tool_objects deepbio_tool_model_objects deepbio_tool)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/csrc)
    target_link_libraries(${target} PRIVATE CLI11::CLI11)
    target_compile_definitions(${target} PRIVATE DEEPBIO_VERSION="${PROJECT_VERSION}")
  endforeach()
endfunction()

# The Python module: the only target that sees Python.h.
function(deepbio_python)
  find_package(Python3 COMPONENTS Interpreter Development.Module REQUIRED)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/csrc/bindings/*.cpp)
  Python3_add_library(_C MODULE WITH_SOABI ${sources})
  target_include_directories(_C PRIVATE ${PROJECT_SOURCE_DIR}/csrc)
  target_link_libraries(_C PRIVATE deepbio deepbio_commands deepbio_torch_headers CLI11::CLI11
    ${DEEPBIO_TORCH_FOLDER}/lib/libtorch_python.so)
  target_compile_definitions(_C PRIVATE TORCH_EXTENSION_NAME=_C
    DEEPBIO_VERSION="${PROJECT_VERSION}" DEEPBIO_TORCH_VERSION="${DEEPBIO_TORCH_VERSION}")
  # Not torch/extension.h, whose open templates cost 15 s in each file instead of 6.5 s.
  target_precompile_headers(_C PRIVATE <torch/csrc/utils/pybind.h> <torch/types.h> <pybind11/stl.h> ${DEEPBIO_TENSOR_HEADERS})
  deepbio_grouped(_C)
  set_target_properties(_C PROPERTIES CXX_VISIBILITY_PRESET hidden INSTALL_RPATH "${DEEPBIO_ORIGIN}/lib;${DEEPBIO_ORIGIN}/../torch/lib")
endfunction()

# deepbio_test(LAYER [MODULES]): tests of one layer, all of its folder, linked with the layers that it
# uses and nothing else.
# MODULES: the tests write torch::tensor({{...}}), which tensors alone do not have.
function(deepbio_test name)
  cmake_parse_arguments(TEST "MODULES" "" "" ${ARGN})
  get_property(layers TARGET deepbio_layer_${name} PROPERTY DEEPBIO_LAYERS)
  get_property(headers TARGET deepbio_layer_${name} PROPERTY DEEPBIO_HEADERS)
  if(TEST_MODULES)
    set(headers deepbio_pch_modules)
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  add_library(test_${name}_objects OBJECT ${sources})
  target_include_directories(test_${name}_objects PRIVATE ${PROJECT_SOURCE_DIR}/csrc ${PROJECT_SOURCE_DIR}/tests/cpp)
  target_compile_definitions(test_${name}_objects PRIVATE DEEPBIO_SHARED="${PROJECT_SOURCE_DIR}/../shared")
  target_link_libraries(test_${name}_objects PRIVATE Catch2::Catch2)
  add_executable(test_${name} $<TARGET_OBJECTS:test_${name}_objects> $<TARGET_OBJECTS:test_main>)
  set_target_properties(test_${name} PROPERTIES LINKER_LANGUAGE CXX)
  foreach(layer ${layers})
    target_sources(test_${name} PRIVATE $<TARGET_OBJECTS:deepbio_layer_${layer}>)
  endforeach()
  target_link_libraries(test_${name} PRIVATE ZLIB::ZLIB PkgConfig::HDF5 nlohmann_json::nlohmann_json Threads::Threads
    ${DEEPBIO_INFLATE_LIBRARIES})
  if(headers)
    target_link_libraries(test_${name}_objects PRIVATE deepbio_torch_headers)
    target_precompile_headers(test_${name}_objects REUSE_FROM ${headers})
    deepbio_grouped(test_${name}_objects)
    target_link_libraries(test_${name} PRIVATE deepbio::torch ${DEEPBIO_OPENMP_LIBRARY})
  endif()
  add_test(NAME ${name} COMMAND test_${name})
endfunction()
