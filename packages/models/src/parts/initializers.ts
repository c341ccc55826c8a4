import type { Initializer } from '@forgelens/nn';
import { kaimingNormalFanOut, truncatedNormal, zeros } from '@forgelens/nn';

/** How a layer with weight and bias starts. */
interface Start {
  readonly initializer: Initializer;
  readonly biasInitializer: Initializer;
}

/** How linear layers of vision transformers start: weights normal with standard deviation 0.02, biases 0. */
export const linearInit: Start = { initializer: truncatedNormal(0.02), biasInitializer: zeros };

/** How convolutions of pretrained encoders start, each in so many groups: He et al.'s normal over the outputs, biases 0. */
export const convInit = (groups = 1): Start => ({ initializer: kaimingNormalFanOut(groups), biasInitializer: zeros });
