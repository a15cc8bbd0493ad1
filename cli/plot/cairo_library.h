#pragma once

#include <cairo-svg.h>
#include <cairo.h>

namespace contentvec::cli::plot {

/// Cairo, loaded when the first picture is drawn: it brings twenty libraries, which would make every start of the
/// program a third slower, and programs run without it. The functions have its own names, without "cairo_".
struct CairoLibrary {
// clang-format off
#define CONTENTVEC_CAIRO_FUNCTIONS(each) \
  each(image_surface_create) each(image_surface_create_for_data) \
  each(svg_surface_create_for_stream) \
  each(surface_write_to_png_stream) each(surface_finish) each(surface_status) each(surface_destroy) \
  each(create) each(destroy) each(status) each(status_to_string) \
  each(save) each(restore) each(scale) each(translate) each(rotate) \
  each(set_source_rgba) each(set_source_surface) each(get_source) each(pattern_set_filter) \
  each(pattern_set_extend) each(paint) each(rectangle) each(clip) each(move_to) each(line_to) each(stroke) \
  each(set_line_width) each(set_line_cap) each(set_line_join) \
  each(select_font_face) each(set_font_size) each(text_extents) each(show_text)
// clang-format on
#define CONTENTVEC_CAIRO_MEMBER(name) decltype(&cairo_##name) name = nullptr;
  CONTENTVEC_CAIRO_FUNCTIONS(CONTENTVEC_CAIRO_MEMBER)
#undef CONTENTVEC_CAIRO_MEMBER
};

/// Loads it once. Throws Error where it is not on this machine. May be called from any number of threads at once.
const CairoLibrary& cairo_library();

}  // namespace contentvec::cli::plot
