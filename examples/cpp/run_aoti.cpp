// Runs a package of AOTInductor (`deepbio export --format aoti`) with libtorch alone: run_aoti
// MODEL.pt2 B S L Makes a batch of B samples with S random ASVs of L - 1 bases and prints what the
// model says, a line per sample.
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/torch.h>

#include <iostream>
#include <string>

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: run_aoti MODEL.pt2 B S L\n";
    return 2;
  }
  const int64_t samples = std::stoll(argv[2]), asvs = std::stoll(argv[3]),
                length = std::stoll(argv[4]);
  torch::inductor::AOTIModelPackageLoader model(argv[1]);
  const torch::NoGradGuard no_grad;
  torch::manual_seed(0);
  torch::Tensor tokens =
      torch::randint(1, 5, {samples, asvs, length}, torch::kLong);  // A 1, C 2, G 3, T 4
  tokens.select(2, 0).fill_(5);                                     // START
  const torch::Tensor counts =
      torch::randint(1, 90, {samples, asvs}, torch::kLong).to(torch::kFloat);
  const torch::Tensor prediction = model.run({tokens, counts}).front();
  std::cout.precision(9);
  for (int64_t i = 0; i < samples; ++i) {
    const torch::Tensor row = prediction[i].flatten();
    for (int64_t o = 0; o < row.size(0); ++o)
      std::cout << (o == 0 ? "" : " ") << row[o].item<float>();
    std::cout << "\n";
  }
}
