# SPDX-License-Identifier: MIT
# The vDSO: user code of this CPU, linked as a tiny shared object and embedded
# in the kernel as data.  Built with the kernel's compiler but none of its
# flags: it runs in user mode, where vector registers are fine and position
# independence is a must.
set(vdso_dir ${CMAKE_CURRENT_LIST_DIR}/${EFT_CPU}/vdso)
set(vdso_so ${CMAKE_CURRENT_BINARY_DIR}/vdso.so)
set(vdso_flags -O2 -fPIC -shared -nostdlib -ffreestanding -fvisibility=hidden -fno-stack-protector -fasynchronous-unwind-tables
  -Wall -Wextra -Werror -Wno-frame-address
  -Wl,-T,${vdso_dir}/vdso.lds -Wl,-soname=linux-vdso.so.1 -Wl,--hash-style=both -Wl,--build-id=none -Wl,-Bsymbolic
  -Wl,--eh-frame-hdr -Wl,-z,max-page-size=4096 -Wl,-s)
if(CMAKE_C_COMPILER_ID STREQUAL Clang)
  list(APPEND vdso_flags --target=${EFT_CPU}-unknown-linux-gnu -fuse-ld=lld -Wno-unused-command-line-argument)
endif()
add_custom_command(OUTPUT ${vdso_so}
  COMMAND ${CMAKE_C_COMPILER} ${vdso_flags} -nostdinc -isystem ${cc_include}
    -I${CMAKE_CURRENT_LIST_DIR}/../include -o ${vdso_so} ${vdso_dir}/vdso.c
  DEPENDS ${vdso_dir}/vdso.c ${vdso_dir}/vdso.lds ${CMAKE_CURRENT_LIST_DIR}/vdso/clock.h
    ${CMAKE_CURRENT_LIST_DIR}/../include/abi/vvar.h ${CMAKE_CURRENT_LIST_DIR}/../include/abi/time.h
  COMMENT "vDSO for ${EFT_CPU}" VERBATIM)
set_source_files_properties(abi/${EFT_CPU}/vdso_image.S PROPERTIES
  COMPILE_DEFINITIONS "VDSO_FILE=\"${vdso_so}\"" OBJECT_DEPENDS ${vdso_so})
