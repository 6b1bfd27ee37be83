/** An option of Fastify for the apps of this module. */
import { failure } from '../../core/index.ts'

const unused = (): never => {
  throw failure('invariant.broken', { rule: 'the compilers of schemas are set before the routes' })
}

/**
 * Fastify loads its own compilers of schemas unless it has these functions. They take 50 ms of processor time, and the
 * plugin sets those of zod.
 */
export const withoutCompilers = { compilersFactory: { buildValidator: unused, buildSerializer: unused } }
