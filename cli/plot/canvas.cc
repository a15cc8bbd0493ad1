#include "cli/plot/canvas.h"

#include <cmath>

#include "contentvec/error.h"

namespace contentvec::cli::plot {
namespace {

constexpr double kPixelsOfPoint = 2;

/// Adds to a file in memory; called by a library in C, which no exception may pass through.
cairo_status_t append(void* file, const unsigned char* data, unsigned int size) {
  try {
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    auto* content = static_cast<std::vector<std::byte>*>(file);
    content->insert(content->end(), bytes, bytes + size);
    return CAIRO_STATUS_SUCCESS;
  } catch (...) {
    return CAIRO_STATUS_NO_MEMORY;
  }
}

/// Without its last character, which is one to four bytes.
void shorten(std::string& text) {
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) text.pop_back();
  if (!text.empty()) text.pop_back();
}

}  // namespace

Canvas::Canvas(double width, double height, PictureFormat format)
    : cairo_(cairo_library()),
      format_(format),
      surface_(format == PictureFormat::kSvg
                   ? cairo_.svg_surface_create_for_stream(append, &file_, width, height)
                   : cairo_.image_surface_create(CAIRO_FORMAT_RGB24,
                                                 static_cast<int>(std::lround(width * kPixelsOfPoint)),
                                                 static_cast<int>(std::lround(height * kPixelsOfPoint)))),
      context_(cairo_.create(surface_)) {
  if (format == PictureFormat::kPng) cairo_.scale(context_, kPixelsOfPoint, kPixelsOfPoint);
  cairo_.select_font_face(context_, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_.set_line_cap(context_, CAIRO_LINE_CAP_ROUND);
  cairo_.set_line_join(context_, CAIRO_LINE_JOIN_ROUND);
  set({1, 1, 1});
  cairo_.paint(context_);
}

Canvas::~Canvas() {
  cairo_.destroy(context_);
  cairo_.surface_destroy(surface_);
}

void Canvas::line(Point from, Point to, double width, Colour colour) {
  set(colour);
  cairo_.set_line_width(context_, width);
  cairo_.move_to(context_, from.x, from.y);
  cairo_.line_to(context_, to.x, to.y);
  cairo_.stroke(context_);
}

void Canvas::polyline(const std::vector<Point>& points, double width, Colour colour, const Rectangle& clip) {
  if (points.empty()) return;
  cairo_.save(context_);
  cairo_.rectangle(context_, clip.left, clip.top, clip.width, clip.height);
  cairo_.clip(context_);
  set(colour);
  cairo_.set_line_width(context_, width);
  cairo_.move_to(context_, points.front().x, points.front().y);
  for (const Point& point : points) cairo_.line_to(context_, point.x, point.y);
  cairo_.stroke(context_);
  cairo_.restore(context_);
}

void Canvas::text(std::string text, Point at, double size, Align align, Colour colour, double most_width) {
  set(colour);
  cairo_.set_font_size(context_, size);
  double width = width_of(text);
  if (width > most_width) {
    while (!text.empty() && width_of(text + "...") > most_width) shorten(text);
    text += "...";
    width = width_of(text);
  }
  const double before = align == Align::kLeft ? 0 : align == Align::kCentre ? width / 2 : width;
  cairo_.move_to(context_, at.x - before, at.y);
  cairo_.show_text(context_, text.c_str());
}

void Canvas::vertical_text(const std::string& text, Point at, double size, Colour colour) {
  constexpr double kQuarterTurn = 1.5707963267948966;
  cairo_.save(context_);
  cairo_.translate(context_, at.x, at.y);
  cairo_.rotate(context_, -kQuarterTurn);
  this->text(text, {0, 0}, size, Align::kCentre, colour);
  cairo_.restore(context_);
}

void Canvas::image(const std::vector<uint32_t>& pixels, int columns, int rows, const Rectangle& where) {
  auto* data = reinterpret_cast<unsigned char*>(const_cast<uint32_t*>(pixels.data()));  // it is only read
  cairo_surface_t* source =
      cairo_.image_surface_create_for_data(data, CAIRO_FORMAT_RGB24, columns, rows, columns * 4);
  cairo_.save(context_);
  cairo_.rectangle(context_, where.left, where.top, where.width, where.height);
  cairo_.clip(context_);
  cairo_.translate(context_, where.left, where.top);
  cairo_.scale(context_, where.width / columns, where.height / rows);
  cairo_.set_source_surface(context_, source, 0, 0);
  cairo_.pattern_set_filter(cairo_.get_source(context_), CAIRO_FILTER_GOOD);
  cairo_.pattern_set_extend(cairo_.get_source(context_), CAIRO_EXTEND_PAD);
  cairo_.paint(context_);
  cairo_.restore(context_);
  cairo_.surface_finish(source);  // an SVG keeps what it needs of the pixels, which are the caller's
  cairo_.surface_destroy(source);
}

std::vector<std::byte> Canvas::finish() {
  check();
  if (format_ == PictureFormat::kPng) cairo_.surface_write_to_png_stream(surface_, append, &file_);
  cairo_.surface_finish(surface_);
  check();
  return std::move(file_);
}

void Canvas::set(Colour colour) {
  cairo_.set_source_rgba(context_, colour.red, colour.green, colour.blue, colour.alpha);
}

double Canvas::width_of(const std::string& text) {
  cairo_text_extents_t extents = {};
  cairo_.text_extents(context_, text.c_str(), &extents);
  return extents.x_advance;
}

void Canvas::check() {
  cairo_status_t status = cairo_.status(context_);
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_.surface_status(surface_);
  if (status == CAIRO_STATUS_SURFACE_FINISHED) return;
  if (status != CAIRO_STATUS_SUCCESS)
    throw Error(std::string("cannot draw the picture: ") + cairo_.status_to_string(status));
}

}  // namespace contentvec::cli::plot
