# Guests: freestanding programs for the simulated PC, made with the host's compiler and nasm.
