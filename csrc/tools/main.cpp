#include "tools/command.h"

int main(int argc, char** argv) { return deepbio::tools::run_command(argc, argv); }
