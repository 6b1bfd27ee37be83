/** Where the exports of released runs are. */
import { join } from 'node:path'

export const journals = join(import.meta.dirname, 'journals')
