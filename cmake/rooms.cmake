# deepbio_room(NAME [TORCH] [ON rooms...] SOURCES files... [LIBRARIES targets...])
#   One room as an object library deepbio_room_NAME. ON lists every room below that it may use; TORCH gives it tensors.
function(deepbio_room name)
  cmake_parse_arguments(ROOM "TORCH" "" "ON;SOURCES;LIBRARIES" ${ARGN})
  list(TRANSFORM ROOM_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/csrc/deepbio/${name}/)
  add_library(deepbio_room_${name} OBJECT ${ROOM_SOURCES})
  target_include_directories(deepbio_room_${name} PUBLIC ${PROJECT_SOURCE_DIR}/csrc)
  target_link_libraries(deepbio_room_${name} PUBLIC ${ROOM_LIBRARIES})
  set_property(TARGET deepbio_room_${name} PROPERTY DEEPBIO_ROOMS ${name} ${ROOM_ON})
  set_property(TARGET deepbio_room_${name} PROPERTY DEEPBIO_TORCH ${ROOM_TORCH})
  if(ROOM_TORCH)
    target_link_libraries(deepbio_room_${name} PUBLIC deepbio_torch_headers)
    target_precompile_headers(deepbio_room_${name} REUSE_FROM deepbio_pch)
  endif()
endfunction()

# The installed torch, asked where it is through the Python that configures the build.
macro(deepbio_find_torch)
  find_package(Python3 COMPONENTS Interpreter REQUIRED)
  execute_process(COMMAND ${Python3_EXECUTABLE} -c "import torch; print(torch.__path__[0])"
    OUTPUT_VARIABLE DEEPBIO_TORCH_FOLDER OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE _torch_missing ERROR_QUIET)
  if(_torch_missing)
    message(FATAL_ERROR "torch is not installed for ${Python3_EXECUTABLE}: run  pip install 'torch>=2.11,<2.14'")
  endif()
  deepbio_torch_at(${DEEPBIO_TORCH_FOLDER})
  if(DEEPBIO_TORCH_VERSION VERSION_LESS 2.11 OR DEEPBIO_TORCH_VERSION VERSION_GREATER_EQUAL 2.14)
    message(FATAL_ERROR "torch ${DEEPBIO_TORCH_VERSION} is installed; deepbio_torch needs 2.11 to 2.13: "
      "run  pip install 'torch>=2.11,<2.14'")
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

# torch/torch.h is parsed once and reused by every room, tool and test.
function(deepbio_precompiled_torch)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/pch.cpp CONTENT "// Holds the precompiled torch headers.\n")
  add_library(deepbio_pch OBJECT ${PROJECT_BINARY_DIR}/pch.cpp)
  target_include_directories(deepbio_pch PUBLIC ${PROJECT_SOURCE_DIR}/csrc)
  target_link_libraries(deepbio_pch PUBLIC deepbio_torch_headers)
  target_precompile_headers(deepbio_pch PRIVATE <torch/torch.h>)
endfunction()

# libdeepbio.so: all rooms and the operators; no Python symbol in it.
function(deepbio_library)
  add_library(deepbio_ops OBJECT ${PROJECT_SOURCE_DIR}/csrc/deepbio/ops.cpp)
  target_include_directories(deepbio_ops PRIVATE ${PROJECT_SOURCE_DIR}/csrc)
  target_link_libraries(deepbio_ops PRIVATE deepbio_torch_headers)
  target_precompile_headers(deepbio_ops REUSE_FROM deepbio_pch)
  set(objects $<TARGET_OBJECTS:deepbio_ops>)
  foreach(room base io seq community data model train export)
    list(APPEND objects $<TARGET_OBJECTS:deepbio_room_${room}>)
  endforeach()
  add_library(deepbio SHARED ${objects})
  set_target_properties(deepbio PROPERTIES LINKER_LANGUAGE CXX
    INSTALL_RPATH "$ORIGIN;$ORIGIN/../../torch/lib")
  target_include_directories(deepbio PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/csrc> $<INSTALL_INTERFACE:include>)
  target_compile_features(deepbio PUBLIC cxx_std_20)
  # Consumers of the installed package get torch from DeepBioConfig.cmake, not as a path of the building machine.
  target_link_libraries(deepbio PUBLIC $<BUILD_INTERFACE:deepbio::torch>
    PRIVATE ${DEEPBIO_OPENMP_LIBRARY} ZLIB::ZLIB PkgConfig::HDF5 nlohmann_json::nlohmann_json Threads::Threads
    ${DEEPBIO_INFLATE_LIBRARIES})
endfunction()

# The `deepbio` command: main.cpp and one cmd_x.cpp per command.
function(deepbio_command)
  find_package(CLI11 REQUIRED)
  list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/csrc/tools/cmd_)
  list(TRANSFORM ARGN APPEND .cpp)
  set(folder ${PROJECT_SOURCE_DIR}/csrc/tools)
  file(GLOB extra CONFIGURE_DEPENDS ${folder}/*.cpp)
  list(REMOVE_ITEM extra ${ARGN})
  # Objects first, so that the position-independent flags fit the precompiled header.
  add_library(deepbio_tool_objects OBJECT ${ARGN} ${extra})
  target_include_directories(deepbio_tool_objects PRIVATE ${PROJECT_SOURCE_DIR}/csrc)
  target_link_libraries(deepbio_tool_objects PRIVATE deepbio_torch_headers CLI11::CLI11)
  target_compile_definitions(deepbio_tool_objects PRIVATE
    DEEPBIO_VERSION="${PROJECT_VERSION}" DEEPBIO_TORCH_VERSION="${DEEPBIO_TORCH_VERSION}")
  target_precompile_headers(deepbio_tool_objects REUSE_FROM deepbio_pch)
  add_executable(deepbio_tool $<TARGET_OBJECTS:deepbio_tool_objects>)
  set_target_properties(deepbio_tool PROPERTIES OUTPUT_NAME deepbio LINKER_LANGUAGE CXX
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin INSTALL_RPATH "$ORIGIN/../lib;$ORIGIN/../../torch/lib")
  target_link_options(deepbio_tool PRIVATE -Wl,--no-as-needed)
  target_link_libraries(deepbio_tool PRIVATE deepbio)
endfunction()

# The Python module: the only target that sees Python.h.
function(deepbio_python)
  find_package(Python3 COMPONENTS Interpreter Development.Module REQUIRED)
  list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/csrc/bindings/)
  list(TRANSFORM ARGN APPEND .cpp)
  Python3_add_library(_C MODULE WITH_SOABI ${ARGN})
  target_include_directories(_C PRIVATE ${PROJECT_SOURCE_DIR}/csrc)
  target_link_libraries(_C PRIVATE deepbio deepbio_torch_headers ${DEEPBIO_TORCH_FOLDER}/lib/libtorch_python.so)
  target_compile_definitions(_C PRIVATE TORCH_EXTENSION_NAME=_C
    DEEPBIO_VERSION="${PROJECT_VERSION}" DEEPBIO_TORCH_VERSION="${DEEPBIO_TORCH_VERSION}")
  target_precompile_headers(_C PRIVATE <torch/extension.h>)
  set_target_properties(_C PROPERTIES CXX_VISIBILITY_PRESET hidden INSTALL_RPATH "$ORIGIN/lib;$ORIGIN/../torch/lib")
endfunction()

# deepbio_test(ROOM files...): tests of one room, linked with the rooms it stands on and nothing else.
function(deepbio_test name)
  get_property(rooms TARGET deepbio_room_${name} PROPERTY DEEPBIO_ROOMS)
  get_property(with_torch TARGET deepbio_room_${name} PROPERTY DEEPBIO_TORCH)
  add_library(test_${name}_objects OBJECT ${ARGN})
  target_include_directories(test_${name}_objects PRIVATE ${PROJECT_SOURCE_DIR}/csrc ${PROJECT_SOURCE_DIR}/tests/cpp)
  target_compile_definitions(test_${name}_objects PRIVATE DEEPBIO_SHARED="${PROJECT_SOURCE_DIR}/../shared")
  target_link_libraries(test_${name}_objects PRIVATE Catch2::Catch2)
  add_executable(test_${name} $<TARGET_OBJECTS:test_${name}_objects> $<TARGET_OBJECTS:test_main>)
  set_target_properties(test_${name} PROPERTIES LINKER_LANGUAGE CXX)
  foreach(room ${rooms})
    target_sources(test_${name} PRIVATE $<TARGET_OBJECTS:deepbio_room_${room}>)
  endforeach()
  target_link_libraries(test_${name} PRIVATE ZLIB::ZLIB PkgConfig::HDF5 nlohmann_json::nlohmann_json Threads::Threads
    ${DEEPBIO_INFLATE_LIBRARIES})
  if(with_torch)
    target_link_libraries(test_${name}_objects PRIVATE deepbio_torch_headers)
    target_precompile_headers(test_${name}_objects REUSE_FROM deepbio_pch)
    target_link_libraries(test_${name} PRIVATE deepbio::torch ${DEEPBIO_OPENMP_LIBRARY})
  endif()
  add_test(NAME ${name} COMMAND test_${name})
endfunction()
