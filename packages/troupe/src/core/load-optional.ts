/** Optional packages, which an application installs if it uses the part of the library that needs them. */
import { failure } from './errors/failure.ts'

/**
 * @param what needs the package, as the error names it: `PostgreSQL as storage`
 * @throws ValidationError `package.missing`, with the command that installs it
 */
export async function loadOptional<Loaded>(
  what: string,
  packageName: string,
  load: () => Promise<Loaded>,
): Promise<Loaded> {
  try {
    return await load()
  } catch (error) {
    const { code, message } = Object(error) as { readonly code?: unknown; readonly message?: unknown }
    // The first code is Node's; bundled code fails with the second.
    const isMissing =
      (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && String(message).includes(`'${packageName}'`)
    throw isMissing ? failure('package.missing', { what, package: packageName }, { cause: error }) : error
  }
}
