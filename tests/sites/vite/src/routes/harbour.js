export const text = "The boats lie in the harbour.";
