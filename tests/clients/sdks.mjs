// Both SDKs by name, for the stories that are told of each.
import { inBrowser } from './browser.mjs'
import { inNode } from './js-sdk.mjs'

export { inBrowser, inNode }
export const SDKS = { wasm: inBrowser, js: inNode }
