// A sound file with other bytes in places that the input names: what binary formats are fuzzed
// with, since random bytes seldom come past their first field.
#pragma once

#include <cstdint>
#include <string>

namespace deepbio::fuzz {

// Three bytes of the input are a change: a place, the high byte first, and the byte that stands
// there then. The first byte says how much of the end is cut off.
inline std::string changed_bytes(std::string sound, const uint8_t* data, size_t size) {
  for (size_t i = 1; i + 2 < size; i += 3) {
    const size_t place = (size_t{data[i]} << 8 | data[i + 1]) % sound.size();
    sound[place] = static_cast<char>(data[i + 2]);
  }
  if (size > 0) sound.resize(sound.size() - sound.size() * data[0] / 256);
  return sound;
}

}  // namespace deepbio::fuzz
