export const text = "The town is near.";
