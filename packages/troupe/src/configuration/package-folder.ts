/** The folder of this package, where it is installed: studio and templates are files in it. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Found by its package.json, since the code may run as compiled files or as a bundle.
 * @returns undefined if the library was bundled into another program
 */
export function packageFolder(): string | undefined {
  // A bundle in the CommonJS format has no import.meta.url.
  const url = import.meta.url as string | undefined
  if (!url?.startsWith('file:')) return undefined
  for (let folder = dirname(fileURLToPath(url)); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).name === 'troupe' ? folder : undefined
  }
  return undefined
}
