// Runs an exported model with libtorch alone: run_torchscript MODEL.ts
// Makes a batch of two samples with three random ASVs of 60 bases and prints what the model says.
#include <torch/script.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: run_torchscript MODEL.ts\n";
    return 2;
  }
  torch::jit::Module model = torch::jit::load(argv[1]);
  model.eval();
  const torch::NoGradGuard no_grad;
  torch::manual_seed(0);
  torch::Tensor tokens = torch::randint(1, 5, {2, 3, 61});  // A 1, C 2, G 3, T 4
  tokens.select(2, 0).fill_(5);                             // START
  tokens[1][2].zero_();                                     // a padded slot
  torch::Tensor counts = torch::tensor({{50.F, 30.F, 20.F}, {80.F, 20.F, 0.F}});
  const torch::Tensor prediction = model.forward({tokens, counts}).toTensor();
  std::cout.precision(9);
  for (int64_t i = 0; i < prediction.size(0); ++i)
    std::cout << prediction[i][0].item<float>() << "\n";
  return 0;
}
