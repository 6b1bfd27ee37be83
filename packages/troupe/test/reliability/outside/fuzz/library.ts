/** The library with all of its entry points, from the copy that is put to the test. */
import { load } from '../../library-under-test.ts'

type Root = typeof import('../../../../src/index.ts')
type Tools = typeof import('../../../../src/tools.ts')
type Resilience = typeof import('../../../../src/resilience.ts')
type Operations = typeof import('../../../../src/operations.ts')
type Testing = typeof import('../../../../src/testing/index.ts')
export type LibraryUnderTest = Root & Tools & Resilience & Operations & Testing

/** All entry points of the package, by their files. */
const entryPoints = [
  ...['index', 'operations', 'resilience', 'tools', 'context', 'testing/index'],
  ...['compat/marsys/index', 'compat/function/index', 'compat/decorators/index', 'server/index'],
  ...['protocols/mcp/index', 'compat/syntha/index', 'compat/ai-sdk/index', 'compat/langgraph/index'],
  'compat/openai-agents/index',
]

export async function loadLibrary(): Promise<LibraryUnderTest> {
  const loaded = await Promise.all(entryPoints.map(load))
  return Object.assign({}, ...(loaded as object[]).reverse()) as LibraryUnderTest
}
