import { expect, test } from "vitest";

import { isShaderModuleCurrent } from "../../scripts/embed-shaders.ts";

test("shaders.generated.ts holds the shaders as they are", () => {
  expect(isShaderModuleCurrent(), "run `npm run shaders`").toBe(true);
});
