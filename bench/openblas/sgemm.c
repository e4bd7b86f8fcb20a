/* C = A·B with OpenBLAS, driven over stdin and stdout by bench/peers/openblas.ts:
 *
 *   sgemm THREADS
 *   "load M K N\n" and the floats of A and B      allocates and reads; no answer
 *   "run REPEATS\n"                               multiplies, answers "NANOSECONDS\n"
 *   "read\n"                                      answers the floats of C
 */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

extern void openblas_set_num_threads(int threads);
extern char *openblas_get_config(void);
extern char *openblas_get_corename(void);

static float *floats(size_t count) {
  float *memory = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
  if (!memory) exit(2);
  return memory;
}

static void fill(float *memory, size_t count) {
  if (fread(memory, sizeof(float), count, stdin) != count) exit(3);
}

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
  char line[128];
  int m = 0, k = 0, n = 0, repeats = 0;
  float *a = NULL, *b = NULL, *c = NULL;
  openblas_set_num_threads(argc > 1 ? atoi(argv[1]) : 1);
  printf("%s %s\n", openblas_get_config(), openblas_get_corename());
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "load %d %d %d", &m, &k, &n) == 3) {
      free(a), free(b), free(c);
      a = floats((size_t)m * k), b = floats((size_t)k * n), c = floats((size_t)m * n);
      fill(a, (size_t)m * k), fill(b, (size_t)k * n);
    } else if (sscanf(line, "run %d", &repeats) == 1) {
      long long start = now();
      for (int i = 0; i < repeats; i++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, 0, c, n);
      printf("%lld\n", now() - start);
    } else {
      fwrite(c, sizeof(float), (size_t)m * n, stdout);
    }
    fflush(stdout);
  }
  return 0;
}
