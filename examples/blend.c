/* Retrieval from C: draws a frame towards the nearest vectors of an index, RVC's added_*.index.
 *
 *   blend INDEX
 */
#include <contentvec/c.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  contentvec_index* index = NULL;
  contentvec_status status;
  int64_t dim;
  float* frame;
  if (argc < 2) {
    fprintf(stderr, "usage: blend INDEX\n");
    return 2;
  }
  status = contentvec_index_open(argv[1], &index);
  dim = contentvec_index_dim(index);
  frame = calloc((size_t)dim + 1, sizeof *frame);
  if (status == CONTENTVEC_OK && frame != NULL) {
    status = contentvec_index_blend(index, frame, 1, 0.75F, 0);
    printf("%ld vectors of %ld: %.4f %.4f ...\n", (long)contentvec_index_size(index), (long)dim,
           (double)frame[0], (double)frame[1]);
  }
  if (status != CONTENTVEC_OK) fprintf(stderr, "%s\n", contentvec_last_error());
  free(frame);
  contentvec_index_free(index);
  return status == CONTENTVEC_OK ? 0 : 1;
}
