/** Optional packages, which an application installs if it uses the part of the library that needs them. */
import { failure } from './errors/failure.ts'
import { isPlainObject } from './values/is-object.ts'

/**
 * @param what needs the package, as the error names it: `PostgreSQL as storage`
 * @throws ValidationError `package.missing`, with the command that installs it
 */
export async function loadOptional<Loaded>(
  what: string,
  packageName: string,
  load: () => Promise<Loaded>,
): Promise<Loaded> {
  const missing = (cause: unknown) => failure('package.missing', { what, package: packageName }, { cause })
  try {
    const loaded = await load()
    if (!isEmpty(loaded)) return loaded
  } catch (error) {
    const { code, message } = Object(error) as { readonly code?: unknown; readonly message?: unknown }
    // The first code is Node's; bundled code fails with the second.
    const isMissing =
      (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && String(message).includes(`'${packageName}'`)
    throw isMissing ? missing(error) : error
  }
  throw missing(undefined)
}

/** Returns whether a module has no content: Next.js with webpack puts such a module in place of a missing optional peer. */
const isEmpty = (loaded: unknown): boolean =>
  Object.entries(Object(loaded)).every(
    ([name, value]) => name === '__esModule' || (name === 'default' && isPlainObject(value) && isEmpty(value)),
  )
