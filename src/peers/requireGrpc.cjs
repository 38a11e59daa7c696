'use strict';
// CommonJS: here a package can be loaded within a call, and is looked for from here, without `import.meta`, which nobody understands who makes CommonJS of ES modules, as Jest does.
exports.find = () => require.resolve('@grpc/grpc-js');
exports.load = () => require('@grpc/grpc-js');
