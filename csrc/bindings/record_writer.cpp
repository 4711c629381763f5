// Writing FASTA and FASTQ from Python: the writer under SequenceWriter, one record or many in a
// call.
//
// What a caller gives is copied with the GIL held, then checked, packed and written without it. A
// second thread gets an error, as of a reader.
#include <memory>
#include <optional>
#include <utility>

#include "bindings/bindings.h"
#include "bindings/letters.h"

#include "deepbio/base/error.h"
#include "deepbio/io/reads/fastx_writer.h"

namespace deepbio::bindings {
namespace {

// Titles may hold any bytes: surrogates of a str are those that are no UTF-8, as to_text() made
// them.
std::string title_of(const py::handle& title, const char* who) {
  py::object bytes;
  if (PyUnicode_Check(title.ptr()) == 0) return std::string(letters_of(title, who, bytes));
  bytes = py::reinterpret_steal<py::object>(
      PyUnicode_AsEncodedString(title.ptr(), "utf-8", "surrogateescape"));
  if (!bytes) throw py::error_already_set();
  return {PyBytes_AS_STRING(bytes.ptr()), static_cast<size_t>(PyBytes_GET_SIZE(bytes.ptr()))};
}

io::Record record_of(const py::handle& name, const py::handle& description,
                     const py::handle& sequence, const py::handle& quality) {
  py::object copy;
  io::Record out;
  out.name = title_of(name, "name");
  if (!description.is_none()) out.description = title_of(description, "description");
  out.sequence = letters_of(sequence, "sequence", copy);
  out.has_quality = !quality.is_none();
  if (out.has_quality) out.quality = letters_of(quality, "quality", copy);
  return out;
}

class Writer {
 public:
  Writer(const std::string& path, io::FastxWriterOptions options)
      : is_fastq_(options.format == io::Format::kFastq), writer_(std::in_place, path, options) {}

  void write(const std::vector<io::Record>& records) {
    refuse();
    const InUse use(is_busy_);
    const py::gil_scoped_release no_gil;
    // Checked one by one as they are written: of a list with a bad record those before it are
    // written, and the file only gets its name at close().
    for (const io::Record& record : records) put(record);
  }

  void write_batch(const io::RecordBatch& batch, bool has_qualities) {
    refuse();
    const InUse use(is_busy_);
    const py::gil_scoped_release no_gil;
    io::Record record;
    for (int64_t i = 0; i < batch.size(); ++i) {
      record.name = batch.name(i);
      record.description = batch.description(i);
      record.sequence = batch.sequence(i);
      record.has_quality = has_qualities;
      if (has_qualities) record.quality = batch.quality(i);
      put(record);
    }
  }

  // Makes the file appear under its name, or, without `keep`, leaves nothing behind. A second call
  // does nothing.
  void close(bool keep) {
    if (!writer_) return;
    refuse();
    const InUse use(is_busy_);
    const py::gil_scoped_release no_gil;
    // Taken out first, so that the writer is closed whatever commit() throws; without commit() its
    // destructor removes the temporary file.
    std::optional<io::FastxWriter> taken(std::move(*writer_));
    writer_.reset();
    if (keep) taken->commit();
  }

  bool is_closed() const { return !writer_.has_value(); }
  int64_t num_records() const { return num_records_; }

 private:
  // throws why nothing can be written; nothing when it can.
  void refuse() const {
    if (is_busy_)
      throw ArgumentError("SequenceWriter: expected one thread at a time, got a second one");
    if (!writer_) throw ArgumentError("SequenceWriter: the file is closed");
  }

  void put(const io::Record& record) {
    if (is_fastq_ && !record.has_quality) {
      throw ArgumentError(
          "SequenceWriter: record " + std::to_string(num_records_) +
          ": expected qualities, which FASTQ needs, got none; `format` fasta does without");
    }
    writer_->write(record);
    ++num_records_;
  }

  bool is_fastq_, is_busy_ = false;
  int64_t num_records_ = 0;
  std::optional<io::FastxWriter> writer_;  // none: closed
};

io::Format parse_format(const std::string& name) {
  if (name == "fasta") return io::Format::kFasta;
  if (name == "fastq") return io::Format::kFastq;
  throw ArgumentError("format: expected fasta or fastq, got " + quoted(name));
}

io::Container parse_container(const std::string& name) {
  // Not zip, which is only read.
  for (const auto container : {io::Container::kPlain, io::Container::kGzip, io::Container::kBgzf}) {
    if (name == io::to_string(container)) return container;
  }
  throw ArgumentError("container: expected plain, gzip or bgzf, got " + quoted(name));
}

std::unique_ptr<Writer> open_writer(const std::string& path, const std::string& format,
                                    const std::string& container, int level, int64_t width,
                                    bool block_index, bool overwrite) {
  io::FastxWriterOptions options;
  options.format = parse_format(format);
  options.container = parse_container(container);
  options.level = level;
  options.width = width;
  options.write_block_index = block_index;
  options.overwrite = overwrite_mode(overwrite);
  return std::make_unique<Writer>(path, options);
}

// Lists of one length; descriptions and qualities may be None.
void write_all(Writer& writer, const py::sequence& names, const py::sequence& sequences,
               const py::object& qualities, const py::object& descriptions) {
  const auto at = [](const py::object& items, size_t i) -> py::object {
    return items.is_none() ? items : py::object(items.cast<py::sequence>()[i]);
  };
  std::vector<io::Record> records;
  records.reserve(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    records.push_back(
        record_of(at(names, i), at(descriptions, i), at(sequences, i), at(qualities, i)));
  }
  writer.write(records);
}

}  // namespace

void bind_record_writer(py::module_& module) {
  py::class_<Writer>(module, "FastxWriter")
      .def(py::init(&open_writer), py::arg("path"), py::arg("format"), py::arg("container"),
           py::arg("level") = 6, py::arg("width") = 0, py::arg("block_index") = false,
           py::arg("overwrite") = false, NoGil())
      .def(
          "write",
          [](Writer& writer, const py::object& name, const py::object& description,
             const py::object& sequence, const py::object& quality) {
            writer.write({record_of(name, description, sequence, quality)});
          },
          py::arg("name"), py::arg("description"), py::arg("sequence"), py::arg("quality"))
      .def("write_all", &write_all, py::arg("names"), py::arg("sequences"), py::arg("qualities"),
           py::arg("descriptions"))
      .def("write_batch", &Writer::write_batch, py::arg("batch"), py::arg("has_qualities"))
      .def("close", &Writer::close, py::arg("keep"))
      .def_property_readonly("is_closed", &Writer::is_closed)
      .def_property_readonly("num_records", &Writer::num_records);
}

}  // namespace deepbio::bindings
