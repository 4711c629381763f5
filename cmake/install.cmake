# What a wheel or a prefix carries: library, headers, CMake package, command, Python module.
install(TARGETS deepbio EXPORT DeepBioTargets LIBRARY DESTINATION lib)
install(TARGETS deepbio_tool RUNTIME DESTINATION bin)
if(TARGET _C)
  install(TARGETS _C LIBRARY DESTINATION .)
endif()
install(DIRECTORY csrc/deepbio DESTINATION include FILES_MATCHING PATTERN "*.h")
install(EXPORT DeepBioTargets NAMESPACE deepbio:: DESTINATION share/cmake/DeepBio)
configure_file(cmake/DeepBioConfig.cmake.in ${PROJECT_BINARY_DIR}/DeepBioConfig.cmake @ONLY)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/DeepBioConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/torch.cmake ${PROJECT_BINARY_DIR}/DeepBioConfig.cmake ${PROJECT_BINARY_DIR}/DeepBioConfigVersion.cmake
  DESTINATION share/cmake/DeepBio)
