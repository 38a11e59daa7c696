/** The version in `package.json`; a test holds both to the same text. */
export const VERSION = '0.1.0';
