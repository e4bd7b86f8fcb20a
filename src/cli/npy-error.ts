import { InputError } from "../index.ts";

/** What is wrong with a .npy file, in one line: which file, where, what was expected, what is there. */
export function npyError(
  file: string,
  problem: { readonly at: number; readonly expected: string; readonly found: string },
): InputError {
  const { at, expected, found } = problem;
  return new InputError(`${file}: byte ${at}: expected ${expected}, found ${found}`);
}
