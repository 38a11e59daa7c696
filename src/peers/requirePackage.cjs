'use strict';
// CommonJS: here a package can be loaded within a call, and is looked for from here, without `import.meta`, which nobody understands who makes CommonJS of ES modules, as Jest does.
exports.find = (name, folder) => require.resolve(name, folder === undefined ? undefined : { paths: [folder] });
exports.load = (path) => require(path);
