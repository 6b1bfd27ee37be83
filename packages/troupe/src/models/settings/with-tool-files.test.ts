import { expect, it, onTestFinished } from 'vitest'
import {
  openProviderTestbed,
  type ProviderKind,
  promptWithToolImage,
  providerKinds,
} from './provider-testbed.test.fixture.ts'

const data = Buffer.from('an image').toString('base64')
const url = `data:image/png;base64,${data}`
/** How the provider is sent an image, as JSON. */
const images: { readonly [kind in ProviderKind]: object } = {
  compatible: { type: 'image_url', image_url: { url } },
  chat: { type: 'image_url', image_url: { url } },
  responses: { type: 'input_image', image_url: url },
  anthropic: { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
  google: { inlineData: { mimeType: 'image/png', data } },
  bedrock: { image: { format: 'png', source: { bytes: data } } },
}

it.each(Object.keys(providerKinds) as ProviderKind[])(
  'The image that a tool returned is sent as an image, behind %s.',
  async (kind) => {
    const { ask, asked, close } = await openProviderTestbed(kind)
    onTestFinished(close)
    await ask({ prompt: promptWithToolImage(data) })
    const body = JSON.stringify(asked[0]?.body)
    expect(body).toContain(JSON.stringify(images[kind]).slice(1, -1))
    expect(body.split(data)).toHaveLength(2)
  },
)
