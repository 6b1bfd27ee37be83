/** Converts errors of files to errors of the catalogue. */
import { failure, TroupeError } from '../../../core/index.ts'
import { isDiskFull } from '../../is-disk-full.ts'
import { errorClassOf, messageOf } from '../error-class.ts'

/** @param error of node:fs or node:sqlite; a TroupeError is returned unchanged */
export function fileFailure(error: unknown, path: string): TroupeError {
  if (error instanceof TroupeError) return error
  const problem = messageOf(error)
  const values = { path, problem }
  const options = { cause: error }
  const system = (error as NodeJS.ErrnoException | undefined)?.code ?? ''
  if (['EACCES', 'EPERM', 'EROFS'].includes(system)) return failure('storage.read_only', values, options)
  if (isDiskFull(error)) return failure('storage.full', { path }, options)
  if (['EEXIST', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG'].includes(system))
    return failure('storage.foreign', values, options)
  const kind = errorClassOf(error)
  if (kind === 'corrupt') return failure('storage.corrupt', values, options)
  if (kind === 'full') return failure('storage.full', { path }, options)
  if (kind === 'read_only') return failure('storage.read_only', values, options)
  return failure('storage.io', values, options)
}
