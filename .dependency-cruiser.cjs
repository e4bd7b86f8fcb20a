/** @type {import("dependency-cruiser").IConfiguration} */
const may = (module, ...imports) => ({
  name: `${module} imports only ${[module, ...imports].join(", ")}`,
  severity: "error",
  from: { path: `^src/${module}/` },
  to: { path: "^src/", pathNot: `^src/(${[module, ...imports].join("|")})/` },
});
const throughFrontDoor = (module) => ({
  name: `${module} uses the public surface`,
  severity: "error",
  from: { path: `^src/${module}/` },
  to: { path: "^src/", pathNot: `^src/(index\\.ts|kernels/index\\.ts|${module}/)` },
});

module.exports = {
  forbidden: [
    { name: "no cycles", severity: "error", from: { path: "^src/" }, to: { circular: true } },
    may("core"),
    may("codes", "core"),
    may("kernels", "core"),
    may("runtime", "core"),
    may("workers", "core", "kernels"),
    may("gpujs", "core", "kernels", "workers"),
    may("engine", "core", "codes", "kernels", "runtime", "workers"),
    throughFrontDoor("pipelines"),
    throughFrontDoor("cli"),
    {
      name: "only index.ts imports engine",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(index\\.ts|engine/)" },
      to: { path: "^src/engine/" },
    },
    {
      name: "core, codes and runtime run in a browser",
      severity: "error",
      from: { path: "^src/(core|codes|runtime)/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "nothing shipped needs a development dependency",
      severity: "error",
      from: { path: "^src/" },
      to: {
        dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"],
        dependencyTypesNot: ["type-only", "npm-peer"], // a peer is also installed for the tests
      },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
  },
};
