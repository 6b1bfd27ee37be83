/** The release of this library, as npm names it. A test holds it equal to the package's. */
export const version = '0.1.0'
