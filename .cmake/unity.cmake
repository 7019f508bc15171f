# moebius_unity(<target> [EXCEPT <source> ...]): with MOEBIUS_UNITY the target is compiled a dozen
# files at a time, which reads the large headers once for all of them. Only the sanitized builds
# do so: elsewhere every file is compiled alone and shows that it includes what it uses. EXCEPT:
# files whose local names are those of another file.
option(MOEBIUS_UNITY "Compile several files at a time" OFF)
function(moebius_unity target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "EXCEPT")
  if(MOEBIUS_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
    target_compile_options(${target} PRIVATE  # local types are local to the whole dozen
      $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
    set_source_files_properties(${arg_EXCEPT} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()
