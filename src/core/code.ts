/** How many equal blocks each dimension of the product is cut into: A is m×k blocks, B k×n, C m×n. */
export interface Partition {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/**
 * Row-major coefficient table: output block r = Σ_c weights[r·cols + c] · input block c, blocks in
 * row-major grid order.
 */
export interface BlockCombination {
  readonly rows: number;
  readonly cols: number;
  readonly weights: Float64Array;
}

/** A bilinear code: N coded tasks, and how to make C of any products that arrive. */
export interface Code {
  readonly name: string;
  readonly partition: Partition;
  /** N: how many coded tasks there are; each is one product Ã_t·B̃_t. */
  readonly tasks: number;
  /** Any this many products decode C to within `tolerance`; Infinity where no number does. */
  readonly recoveryThreshold: number;
  /** Largest relative misfit that counts as decoded: ~1e-9 for exact codes, ε for approximate ones. */
  readonly tolerance: number;
  /** Row t of `a` makes Ã_t of the m·k blocks of A; row t of `b` makes B̃_t of the k·n blocks of B. */
  readonly encodePlan: { readonly a: BlockCombination; readonly b: BlockCombination };
  /** True when every block of C is decodable to within `tolerance`. */
  canDecode(received: ReadonlySet<number>): boolean;
  /** Best decode of whatever has arrived; never throws for too few products: the misfit says what it is worth. */
  decodePlan(received: ReadonlySet<number>): DecodePlan;
}

/** How C is made of the products of one set of arrivals. */
export interface DecodePlan {
  /** Column s of `c` is the product of task `tasks[s]`; row r makes block r of C. */
  readonly tasks: readonly number[];
  readonly c: BlockCombination;
  /** Per block of C: ‖target − achieved‖ of the coefficients over all A_i·B_j (Frobenius). 0 = exact. */
  readonly misfit: Float64Array;
  /** max over blocks of Σ|weight|: how far rounding in the products can grow. */
  readonly amplification: number;
}
