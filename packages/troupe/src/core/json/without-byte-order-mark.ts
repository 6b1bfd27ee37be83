/** Removes the byte order mark with which editors and shells of Windows begin a file, and which JSON may not hold. */
export const withoutByteOrderMark = (text: string): string => text.replace(/^\uFEFF/, '')
