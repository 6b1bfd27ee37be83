import { expect, test } from 'vitest'
import { z } from 'zod'
import { parse } from './schema.ts'

test('The error of a value that a schema rejects says which values are missing, and what is wrong with others.', async () => {
  const schema = z.object({ task: z.unknown(), team: z.string(), size: z.number(), kind: z.enum(['tea', 'pot']) })
  await expect(parse(schema, { size: 'x', kind: 'cup' }, 'The order')).rejects.toThrow(
    'The order is not valid: task: it is missing; team: it is missing; size: Invalid input: expected number, received string; ' +
      'kind: it must be one of tea, pot.',
  )
})
