/** @file Names by which contenders are compared. */

export const ANYK = "anyk";
export const ANYK_UNCHECKED = "anyk, no bounds checks";
/** The peer that computes without bounds checks. */
export const UNCHECKED_PEER = "onnxruntime webgpu";
