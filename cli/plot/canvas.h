#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/plot/cairo_library.h"
#include "cli/plot/figure.h"

namespace contentvec::cli::plot {

struct Colour {
  double red;
  double green;
  double blue;
  double alpha = 1;
};

struct Point {
  double x;
  double y;
};

struct Rectangle {
  double left;
  double top;
  double width;
  double height;
  [[nodiscard]] double right() const { return left + width; }
  [[nodiscard]] double bottom() const { return top + height; }
};

enum class Align { kLeft, kCentre, kRight };

/// A picture that is being drawn, in points from its upper left corner: Cairo's, with its objects let go at the end. A
/// PNG has two pixels for each point. Not thread-safe.
class Canvas {
 public:
  /// Throws Error where Cairo is not on this machine.
  Canvas(double width, double height, PictureFormat format);
  ~Canvas();
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  void line(Point from, Point to, double width, Colour colour);
  /// Within `clip`. A line of one point is a dot.
  void polyline(const std::vector<Point>& points, double width, Colour colour, const Rectangle& clip);
  /// `at.y`: of the text's base line. Text that is too long for `most_width` ends in "...".
  void text(std::string text, Point at, double size, Align align, Colour colour, double most_width = 1e9);
  /// Upwards, centred on a point.
  void vertical_text(const std::string& text, Point at, double size, Colour colour);
  /// `pixels`: 0xffRRGGBB, rows from the top; smoothed where it is enlarged.
  void image(const std::vector<uint32_t>& pixels, int columns, int rows, const Rectangle& where);

  /// The file. Call it once, last. Throws Error when something could not be drawn.
  std::vector<std::byte> finish();

 private:
  void set(Colour colour);
  double width_of(const std::string& text);
  void check();

  const CairoLibrary& cairo_;
  PictureFormat format_;
  std::vector<std::byte> file_;
  cairo_surface_t* surface_;
  cairo_t* context_;
};

}  // namespace contentvec::cli::plot
